<?xml version='1.0' encoding="UTF-8" ?>
<wfs:FeatureCollection
  xmlns:pflegeportal="http://geoportal.kreis-lup.de/regismv/"
  xmlns:wfs="http://www.opengis.net/wfs"
  xmlns:gml="http://www.opengis.net/gml">
    <gml:boundedBy><gml:Box srsName="EPSG:25833"><gml:coordinates>214945.5,5893643.8 319800.9,5959570.9</gml:coordinates></gml:Box></gml:boundedBy>
    <gml:featureMember>
      <pflegeportal:Sozialpflege fid="Sozialpflege.94">
        <gml:boundedBy><gml:Box srsName="EPSG:25833"><gml:coordinates>259051.8,5941559.3 259051.8,5941559.3</gml:coordinates></gml:Box></gml:boundedBy>
        <pflegeportal:msGeometry><gml:Point srsName="EPSG:25833"><gml:coordinates>259051.825480,5941559.309131</gml:coordinates></gml:Point></pflegeportal:msGeometry>
        <pflegeportal:id>94</pflegeportal:id>
        <pflegeportal:angebot>Pflegedienst</pflegeportal:angebot>
        <pflegeportal:einrichtung>Pflegedienst Nordlicht</pflegeportal:einrichtung>
        <pflegeportal:strasse>Am Markt</pflegeportal:strasse>
        <pflegeportal:hnr>1</pflegeportal:hnr>
        <pflegeportal:plz>19288</pflegeportal:plz>
        <pflegeportal:gemeinde>Ludwigslust</pflegeportal:gemeinde>
        <pflegeportal:gemeindeschl>13076088</pflegeportal:gemeindeschl>
        <pflegeportal:eigentuemer>GEHEIM</pflegeportal:eigentuemer>
        <pflegeportal:traeger>Moor &amp; Heide gGmbH</pflegeportal:traeger>
        <pflegeportal:ansprechpartner></pflegeportal:ansprechpartner>
        <pflegeportal:telefon>GEHEIM</pflegeportal:telefon>
        <pflegeportal:email>GEHEIM</pflegeportal:email>
        <pflegeportal:internet></pflegeportal:internet>
        <pflegeportal:kapazitaet>1</pflegeportal:kapazitaet>
      </pflegeportal:Sozialpflege>
    </gml:featureMember>
    <gml:featureMember>
      <pflegeportal:Sozialpflege fid="Sozialpflege.47">
        <gml:boundedBy><gml:Box srsName="EPSG:25833"><gml:coordinates>259051.8,5941559.3 259051.8,5941559.3</gml:coordinates></gml:Box></gml:boundedBy>
        <pflegeportal:msGeometry><gml:Point srsName="EPSG:25833"><gml:coordinates>259051.825480,5941559.309131</gml:coordinates></gml:Point></pflegeportal:msGeometry>
        <pflegeportal:id>47</pflegeportal:id>
        <pflegeportal:angebot>Dauerpflege</pflegeportal:angebot>
        <pflegeportal:einrichtung>Haus am Moor</pflegeportal:einrichtung>
        <pflegeportal:strasse>Deichweg</pflegeportal:strasse>
        <pflegeportal:hnr>4 a</pflegeportal:hnr>
        <pflegeportal:plz>19288</pflegeportal:plz>
        <pflegeportal:gemeinde>Ludwigslust</pflegeportal:gemeinde>
        <pflegeportal:gemeindeschl>13076088</pflegeportal:gemeindeschl>
        <pflegeportal:eigentuemer>GEHEIM</pflegeportal:eigentuemer>
        <pflegeportal:traeger>Moor &amp; Heide gGmbH</pflegeportal:traeger>
        <pflegeportal:ansprechpartner></pflegeportal:ansprechpartner>
        <pflegeportal:telefon>GEHE